import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { applyTheme } from './theme/theme.ts';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/widgets.css';

applyTheme();
const place = document.getElementById('root');
if (place !== null)
  createRoot(place).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
