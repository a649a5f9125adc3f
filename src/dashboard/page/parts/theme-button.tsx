// Light, dark, or as the system says. Only the choice is kept.

import { useState } from 'preact/hooks';
import { Icon } from './icons.tsx';

const themes = ['system', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];
const key = 'tutti-theme';

export function applyStoredTheme(): void {
  applyTheme(storedTheme());
}

function storedTheme(): Theme {
  const stored = localStorage.getItem(key);
  return themes.find((theme) => theme === stored) ?? 'system';
}

function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  // Canvases do not follow style sheets: whoever draws on one listens to this.
  window.dispatchEvent(new Event('tutti-theme'));
}

export function ThemeButton() {
  const [theme, setTheme] = useState(storedTheme());
  const change = () => {
    const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system';
    localStorage.setItem(key, next);
    applyTheme(next);
    setTheme(next);
  };
  return (
    <button
      type="button"
      class="button quiet theme-button"
      onClick={change}
      title={`Theme: ${theme}`}
      aria-label={`Theme: ${theme}. Change it`}
    >
      <Icon name="theme" />
    </button>
  );
}
