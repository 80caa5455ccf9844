import { askFirst } from './data/first.ts';
import { applyTheme } from './theme/theme.ts';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/widgets.css';

// The program is on its way as this small part runs (scripts/dashboard.mjs): what it will ask for first is asked for meanwhile.
applyTheme();
askFirst();
void import('./start.tsx').then(({ start }) => start());
