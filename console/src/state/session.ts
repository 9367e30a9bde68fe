// Who is signed in, and what they may do. The collector refuses the rest; the console does not offer it.

import type { Role, Session } from "../api/types";

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

let current: Session = { role: "viewer", name: null };

export function setSession(session: Session): void {
  current = session;
}

export function session(): Session {
  return current;
}

/** Whether the person who is signed in has this role, or more. */
export function may(role: Role): boolean {
  return RANK[current.role] >= RANK[role];
}
