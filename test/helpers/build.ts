import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {packageRoot} from '../../source/hub/files/package-root.ts';
import {hashOf, programParts} from './contents.ts';

/** The hash of the sources of dist/; every other build removes it. */
const stamp = join(packageRoot, 'dist', '.built-from');

/** The end-to-end tests run what a user runs: the built program, never stale. */
export default function build(): void {
	const hash = hashOf(programParts);
	if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
	execFileSync('npm', ['run', '--silent', 'build'], {stdio: 'inherit'});
	writeFileSync(stamp, hash);
}
