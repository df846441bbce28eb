import {join} from 'node:path';

/** The scripts in the data folder by which clients start this program, and its hook. */
export function launcherFiles(data: string): {readonly program: string; readonly hook: string} {
	return {program: join(data, 'bin', 'agentmux'), hook: join(data, 'bin', 'agentmux-hook')};
}
