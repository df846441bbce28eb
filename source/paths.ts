import {join, resolve} from 'node:path';
import envPaths from 'env-paths';

/** Where everything lies; absolute paths. Nothing is created by looking. */
export interface Paths {
	/** AGENTMUX_HOME, or null when the platform's own places are used. */
	readonly home: string | null;
	/** The config file, whether it exists or not. */
	readonly config: string;
	readonly data: string;
	readonly state: string;
	readonly logs: string;
}

/** AGENTMUX_HOME, or the platform's own places. */
export function findPaths(env: NodeJS.ProcessEnv): Paths {
	const home = env['AGENTMUX_HOME']?.trim() ?? '';
	if (home !== '') {
		const root = resolve(home);
		return {
			home: root,
			config: join(root, 'config.toml'),
			data: join(root, 'data'),
			state: join(root, 'state'),
			logs: join(root, 'logs'),
		};
	}
	const paths = envPaths('agentmux', {suffix: ''});
	return {
		home: null,
		config: join(paths.config, 'config.toml'),
		data: paths.data,
		// env-paths knows XDG_STATE_HOME as the place of logs; elsewhere state lies beside the data.
		state: process.platform === 'linux' ? paths.log : join(paths.data, 'state'),
		logs: paths.log,
	};
}
