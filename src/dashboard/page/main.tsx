// The page's door: runs in the browser of whoever watches the app.

import { render } from 'preact';
import { App } from './parts/app.tsx';
import { applyStoredTheme } from './parts/theme-button.tsx';
import { startStore } from './state/store.ts';
import './styles.css';

applyStoredTheme();
startStore();
const place = document.getElementById('app');
if (place) render(<App />, place);
