import {execFile} from 'node:child_process';
import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {tmpdir, userInfo} from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';

/** A folder outside the checkout with these packages in its node_modules, installed once. Rejects if that fails. */
export async function installed(packages: readonly string[]): Promise<string> {
	const folder = path.join(
		tmpdir(),
		`agentmux-conformance-${userInfo().uid}`,
		packages.join('+').replaceAll(/[@/]/g, '_'),
	);
	const done = path.join(folder, 'installed');
	if (existsSync(done)) return folder;
	mkdirSync(folder, {recursive: true, mode: 0o700});
	writeFileSync(path.join(folder, 'package.json'), '{"private": true}');
	const command = [
		'install',
		'--no-audit',
		'--no-fund',
		'--no-save',
		'--ignore-scripts',
		'--fetch-retries=1',
		...packages,
	];
	await promisify(execFile)('npm', command, {cwd: folder, timeout: 180_000, env: {...process.env, DO_NOT_TRACK: '1'}});
	writeFileSync(done, '');
	return folder;
}
