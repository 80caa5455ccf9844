// Stands in for src/tui/load-view.ts in the built program. The terminal view is an ES module of its own, since its libraries wait while they
// are loaded; scripts with kept code (bin/load.js) cannot import one, a plain script can.
'use strict';

exports.loadView = () => import('../dist/terminal.js');
