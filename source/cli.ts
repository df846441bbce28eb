#!/usr/bin/env node
import {enableCompileCache} from './commands/cli/compile-cache.ts';

// Nothing else is imported at the top: an old Node must get as far as the sentence, and a command pays only for itself.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
	process.stderr.write(
		`agentmux needs Node 22.13 or newer, and this is Node ${process.versions.node}. Install a newer Node, or run it as \`npx -p node@24 -p agentmux agentmux\`.\n`,
	);
	process.exitCode = 1;
} else if (process.argv[2] === 'hook' && process.argv[3]?.startsWith('-') === false) {
	// It runs at every step of an agent, and ends by itself.
	await import('./commands/serve/run-hook.ts');
} else if (process.argv[2] === 'statusline' && process.argv.length === 3) {
	// It runs at each change of a client's screen.
	await import('./commands/serve/run-statusline.ts');
} else {
	enableCompileCache();
	const {main} = await import('./commands/main.ts');
	process.exitCode = await main(process.argv.slice(2));
	// supabase-js lingers for seconds after its last socket; what was written goes out first.
	process.stdout.write('', () => process.exit());
}
