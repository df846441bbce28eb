import fc from '../../node_modules/fast-check/lib/fast-check.js';

/**
 * Property tests try the same cases on every machine, so that a change is judged by what it changed and not by luck.
 * `AGENTMUX_SEED=random npx vitest run` looks for new ones; a number repeats what such a run printed.
 */
const chosen = process.env['AGENTMUX_SEED'] ?? '20261123';
if (chosen !== 'random') fc.configureGlobal({...fc.readConfigureGlobal(), seed: Number(chosen)});

// vitest.config.ts gives this to whoever imports fast-check: the other files need not load it.
export default fc;
