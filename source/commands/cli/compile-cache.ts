/**
 * Keeps compiled code between starts, which saves a third of the time to the first frame. It is kept in the user's own cache
 * folder, because somebody else could fill Node's default, below the shared temporary folder, first.
 */
export function enableCompileCache(): void {
	// Not imported: this is in the first file, which an old Node has to be able to run.
	const module = process.getBuiltinModule('node:module');
	const {existsSync, mkdirSync} = process.getBuiltinModule('node:fs');
	const path = process.getBuiltinModule('node:path');
	const {AGENTMUX_HOME: home, XDG_CACHE_HOME: cache} = process.env;
	const base = home || cache || path.join(process.getBuiltinModule('node:os').homedir(), '.cache');
	// Do not create the home here: the code that creates it sets its mode, and reports why it cannot be created.
	if (!existsSync(base)) return;
	const folder = path.join(base, home ? 'cache' : 'agentmux');
	try {
		mkdirSync(folder, {mode: 0o700});
	} catch (error) {
		// It exists already; or the disk is read-only, and every start compiles again.
		if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return;
	}
	module.enableCompileCache(folder);
}
