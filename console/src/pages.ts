// The pages, in the order of the navigation. A new page is one line here and one file in pages/.

import type { ComponentType } from "preact";
import type { IconName } from "./components/icon";
import { Budgets } from "./pages/budgets";
import { CostCenter } from "./pages/costs";
import { Experiments } from "./pages/experiments";
import { Gateways } from "./pages/gateways";
import { HealthPanels } from "./pages/health";
import { Keys } from "./pages/keys";
import { Overview } from "./pages/overview";
import { Playground } from "./pages/playground";
import { Policy } from "./pages/policy";
import { Requests } from "./pages/requests";
import { Webhooks } from "./pages/webhooks";
import type { View } from "./state/view";

export interface PageProps {
  view: View;
  update: (change: Partial<View>, replace?: boolean) => void;
  /** What stands behind the page's own path, such as an event's id. */
  rest: string;
}

export interface PageInfo {
  path: string;
  title: string;
  icon: IconName;
  /** Watching, managing, trying. */
  section: "watch" | "manage" | "try";
  /** Range and filters of the top bar mean nothing here. */
  timeless?: boolean;
  page: ComponentType<PageProps>;
}

export const PAGES: PageInfo[] = [
  { path: "/", title: "Overview", icon: "overview", section: "watch", page: Overview },
  { path: "/gateways", title: "Gateways", icon: "gateways", section: "watch", timeless: true, page: Gateways },
  { path: "/health", title: "Health", icon: "health", section: "watch", page: HealthPanels },
  { path: "/costs", title: "Cost Center", icon: "costs", section: "watch", page: CostCenter },
  { path: "/experiments", title: "Experiments", icon: "experiments", section: "watch", page: Experiments },
  { path: "/requests", title: "Requests", icon: "requests", section: "watch", page: Requests },
  { path: "/keys", title: "Keys", icon: "keys", section: "manage", timeless: true, page: Keys },
  { path: "/budgets", title: "Budgets", icon: "budgets", section: "manage", timeless: true, page: Budgets },
  { path: "/webhooks", title: "Webhooks", icon: "webhooks", section: "manage", timeless: true, page: Webhooks },
  { path: "/policy", title: "Policy", icon: "policy", section: "manage", timeless: true, page: Policy },
  { path: "/playground", title: "Playground", icon: "playground", section: "try", timeless: true, page: Playground },
];

/** The page of a path, and what of the path is left for it. */
export function pageOf(path: string): { info: PageInfo; rest: string } | undefined {
  for (const info of PAGES) {
    if (path === info.path) return { info, rest: "" };
    if (info.path !== "/" && path.startsWith(`${info.path}/`)) {
      return { info, rest: decodeURIComponent(path.slice(info.path.length + 1)) };
    }
  }
  return undefined;
}
