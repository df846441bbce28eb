import {type Printable} from '../../printable.ts';
/** The program that shows a desktop notification, and its arguments; null if the platform has none. */
export function desktopCommand(
	platform: NodeJS.Platform,
	title: string,
	text: string,
): {readonly file: string; readonly args: readonly string[]} | null {
	if (platform === 'darwin') {
		const script = ['on run texts', 'display notification (item 2 of texts) with title (item 1 of texts)', 'end run'];
		// The texts are arguments, so that they are never part of the script.
		return {file: 'osascript', args: [...script.flatMap(line => ['-e', line]), title, text]};
	}
	if (!freedesktop.has(platform)) return null;
	return {file: 'notify-send', args: ['--app-name=agentmux', '--', title, withoutMarkup(text)]};
}

const freedesktop: ReadonlySet<NodeJS.Platform> = new Set(['linux', 'freebsd', 'openbsd', 'netbsd']);

/** Escapes the HTML-like markup of notification bodies (Desktop Notifications Specification 1.2). */
function withoutMarkup(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Shows a notification, without a shell and without waiting. `onFailure` gets a sentence if that is not possible. */
export async function notifyDesktop(
	title: Printable,
	text: Printable,
	onFailure: (sentence: string) => void,
): Promise<void> {
	const command = desktopCommand(process.platform, title, text);
	if (command === null) return onFailure(`Desktop notifications are not supported on ${process.platform}.`);
	const {spawn} = await import('node:child_process');
	const child = spawn(command.file, command.args, {stdio: 'ignore'});
	child.unref();
	child.on('error', (error: NodeJS.ErrnoException) => {
		const reason = error.code === 'ENOENT' ? 'is not installed' : `cannot be started (${error.code ?? error.message})`;
		onFailure(`Desktop notifications need ${command.file}, which ${reason}.`);
	});
}
