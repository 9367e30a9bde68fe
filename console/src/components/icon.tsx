import {
  Activity,
  BellRing,
  ChartColumnStacked,
  CircleDollarSign,
  FileText,
  FlaskConical,
  type IconNode,
  KeyRound,
  LayoutDashboard,
  MessageSquare,
  Search,
  Server,
  Wallet,
} from "lucide";
import { h } from "preact";

const ICONS = {
  overview: LayoutDashboard,
  gateways: Server,
  health: Activity,
  costs: CircleDollarSign,
  experiments: FlaskConical,
  requests: Search,
  keys: KeyRound,
  budgets: Wallet,
  webhooks: BellRing,
  policy: FileText,
  playground: MessageSquare,
  chart: ChartColumnStacked,
} satisfies Record<string, IconNode>;

export type IconName = keyof typeof ICONS;

/** An icon beside a word: screen readers skip it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {ICONS[name].map(([tag, attributes]) => h(tag, attributes))}
    </svg>
  );
}
