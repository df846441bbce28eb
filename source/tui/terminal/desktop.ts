import {type Printable} from '../../printable.ts';
/** A program that shows a notification on the desktop, and its arguments; null where none is known. */
export function desktopCommand(
	platform: NodeJS.Platform,
	title: string,
	text: string,
): {readonly file: string; readonly args: readonly string[]} | null {
	if (platform === 'darwin') {
		const script = ['on run texts', 'display notification (item 2 of texts) with title (item 1 of texts)', 'end run'];
		// The texts are no part of the script.
		return {file: 'osascript', args: [...script.flatMap(line => ['-e', line]), title, text]};
	}
	if (!freedesktop.has(platform)) return null;
	return {file: 'notify-send', args: ['--app-name=agentmux', '--', title, withoutMarkup(text)]};
}

const freedesktop: ReadonlySet<NodeJS.Platform> = new Set(['linux', 'freebsd', 'openbsd', 'netbsd']);

/** Bodies of notifications are marked up as HTML is (Desktop Notifications Specification 1.2). */
function withoutMarkup(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Shows it, without a shell and without waiting. `onFailure` is told in one sentence why that is not possible. */
export async function notifyDesktop(
	title: Printable,
	text: Printable,
	onFailure: (sentence: string) => void,
): Promise<void> {
	const command = desktopCommand(process.platform, title, text);
	if (command === null) return onFailure(`Desktop notifications are not known on ${process.platform}.`);
	const {spawn} = await import('node:child_process');
	const child = spawn(command.file, command.args, {stdio: 'ignore'});
	child.unref();
	child.on('error', (error: NodeJS.ErrnoException) => {
		const reason = error.code === 'ENOENT' ? 'is not installed' : `cannot be started (${error.code ?? error.message})`;
		onFailure(`Desktop notifications need ${command.file}, which ${reason}.`);
	});
}
