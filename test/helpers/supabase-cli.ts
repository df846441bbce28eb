import {execFile, execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';

const version = '3.1.0';
const root = path.resolve(import.meta.dirname, '..', '..');
// Not a dependency, because it has 140 MB: it is installed on demand, outside the folder that builds clean.
const folder = path.join(root, 'node_modules', '.cache', 'agentmux', `supabase-cli-${version}`);
const program = path.join(folder, 'node_modules', '.bin', 'supabase');

export const hasSupabaseCli = existsSync(program);

/** Installs the Supabase CLI from the registry if it is missing. */
export function installSupabaseCli(): void {
	if (existsSync(program)) return;
	mkdirSync(folder, {recursive: true});
	const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];
	execFileSync('npm', ['install', '--prefix', folder, ...flags, `supabase@${version}`], {stdio: 'ignore'});
}

/**
 * Runs the CLI on this repository's supabase/, or on that of another folder, against a database; resolves with its output, and
 * rejects with its error.
 */
export async function supabase(connectionString: string, words: readonly string[], workdir = root): Promise<string> {
	// Keeps its state and telemetry out of the user's home.
	const home = mkdtempSync(path.join(tmpdir(), 'agentmux-supabase-'));
	const env = {...process.env, HOME: home, XDG_CONFIG_HOME: home, DO_NOT_TRACK: '1'};
	const remote = `--remote=${connectionString.replace(/^postgres:/, 'postgresql:')}`;
	try {
		const {stdout} = await promisify(execFile)(program, [...words, remote, '--yes', `--workdir=${workdir}`], {
			env,
			cwd: home,
		});
		return stdout;
	} finally {
		rmSync(home, {recursive: true, force: true});
	}
}

/** `supabase gen types`, formatted as everything in this repository is. */
export async function generateTypes(connectionString: string): Promise<string> {
	const types = await supabase(connectionString, ['gen', 'types', '--schema', 'public']);
	return execFileSync(path.join(root, 'node_modules', '.bin', 'oxfmt'), ['--stdin-filepath=database.types.ts'], {
		cwd: root,
		input: types,
		encoding: 'utf8',
	});
}
