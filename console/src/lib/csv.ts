import type { Row } from "../api/types";

/** Rows as RFC 4180 has them. A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function csvOf(columns: string[], rows: Row[]): string {
  const cell = (value: string | number | null | undefined) => {
    if (value == null) return "";
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
    .map((line) => line.map(cell).join(","))
    .join("\r\n");
}
