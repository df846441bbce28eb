import {join, resolve} from 'node:path';
import {version} from '../hub/files/version.ts';
import {applyAll, readText} from '../join/files/file-edit.ts';
import {pluginFiles, pluginName} from '../join/plugin.ts';
import {UsageError} from '../mailbox/error.ts';
import {findPaths} from '../paths.ts';
import {joinPrintable, p, printable} from '../printable.ts';
import type {Command} from './cli/command.ts';
import {calledAnywhere, findHook, findLauncher, planLaunchers, shellWord} from './cli/launcher.ts';
import {write} from './cli/output.ts';
import {unknownSubcommand} from './cli/subcommand.ts';
import {textFlag} from './cli/values.ts';

const command: Command = {
	summary: 'write agentmux as a plugin for Claude Code',
	help: `
		Write a plugin for Claude Code: the hooks and the MCP server that join would write into each folder, a monitor that
		wakes an idle session where hooks cannot, and the skills /agentmux:inbox, /agentmux:send and /agentmux:tasks.

		With the plugin, \`agentmux join TAG --plugin\` writes nothing into the folder but a rule in
		.claude/settings.local.json that lets the agent call its tools. Where nobody has joined, the plugin does nothing.

		Usage
		  agentmux plugin [--dir DIR]
		  agentmux plugin monitor     the monitor; Claude Code runs it

		  --dir DIR     where to write it (default: \`plugin\` in the data folder)

		Example
		  agentmux plugin
	`,
	flags: {dir: {type: 'string'}},
	async run(invocation) {
		const {input, flags, env, stdout} = invocation;
		const [action, ...more] = input;
		if (action === 'monitor' && more.length === 0) {
			const {runMonitor} = await import('./serve/monitor.ts');
			return runMonitor(invocation);
		}
		if (action !== undefined) throw unknownSubcommand('plugin', action, ['monitor']);
		if (process.platform === 'win32') {
			throw new UsageError('The plugin needs a shell, which Windows lacks.', 'Use agentmux join in each folder.');
		}
		const paths = findPaths(env);
		const dir = textFlag(flags, 'dir');
		const folder = resolve(dir ?? join(paths.data, 'plugin'));
		// Private, as everything in the data folder is to be.
		const own = dir === undefined ? {mode: 0o600} : {};
		const files = pluginFiles({launcher: findLauncher(paths), hook: findHook(paths), version});
		const edits = await Promise.all(
			Object.entries(files).map(async ([path, after]) => {
				const file = join(folder, path);
				return {file, before: await readText(file), after, ...own, remarks: []};
			}),
		);
		await applyAll([...planLaunchers(paths), ...edits]);
		const words = [
			`The plugin is in ${folder}. To install it in Claude Code:`,
			`  claude plugin marketplace add ${shellWord(folder)}`,
			`  claude plugin install ${pluginName}@${pluginName}`,
			'Then, in each folder where an agent is to take part:',
			`  ${calledAnywhere(env, paths)} join TAG --plugin`,
		];
		await write(stdout, p`${joinPrintable(words.map(printable), '\n')}\n`);
	},
};

export default command;
