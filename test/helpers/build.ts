import {execFileSync} from 'node:child_process';

/** The end-to-end tests run what a user runs: the built program, never stale. */
export default function build(): void {
	execFileSync('npm', ['run', '--silent', 'build'], {stdio: 'inherit'});
}
