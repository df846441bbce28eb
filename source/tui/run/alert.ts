import type {WriteStream} from 'node:tty';
import {p, writeTo, type Printable} from '../../printable.ts';
import type {UiStore} from '../model/ui.ts';
import type {Preferences} from '../settings/preferences.ts';
import {notifyDesktop} from '../terminal/desktop.ts';
import {notificationBytes} from '../terminal/notification.ts';

interface AlertOptions {
	readonly flags: Preferences['flags'];
	readonly env: NodeJS.ProcessEnv;
	readonly stdout: WriteStream;
	readonly ui: UiStore;
}

/** Returns what alerts the human with one line, in the ways that the preferences allow; null if they allow none. */
export function createAlert({flags, env, stdout, ui}: AlertOptions): ((sentence: Printable) => void) | null {
	if (!flags['notify.bell'] && !flags['notify.osc'] && !flags['notify.desktop']) return null;
	return sentence => {
		const bell = flags['notify.bell'] ? p`\u0007` : p``;
		const shown = flags['notify.osc'] ? notificationBytes(sentence, env) : p``;
		writeTo(stdout, p`${bell}${shown}`);
		if (flags['notify.desktop']) void notifyDesktop(p`agentmux`, sentence, failure => ui.setState({notice: failure}));
	};
}
