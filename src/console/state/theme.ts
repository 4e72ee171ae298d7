// Light, dark, or as the system has it. Kept on this device.
import { effect, signal } from "@preact/signals";

const THEMES = ["system", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

const PLACE = "buntime.theme";

export const theme = signal<Theme>(THEMES.find((name) => name === localStorage.getItem(PLACE)) ?? "system");

effect(() => {
  if (theme.value === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme.value;
});

export function toggleTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  localStorage.setItem(PLACE, theme.value);
}
