import type {Statement} from '../database/database.ts';

/** Sends what is due of watched tables, and says which of them were dropped or renamed. Writes nothing if nothing has changed. */
export const keepWatches: Statement = {text: 'select agentmux.watch_upkeep()'};
