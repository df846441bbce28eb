/** Replaces react-devtools-core in the bundle; see rolldown.config.ts. */
export default {initialize() {}, connectToDevTools() {}};
