import {p, printable, type Printable} from '../../printable.ts';
import {throughTmux} from './notification.ts';

/** Copies a text to the clipboard. Terminals do not report whether they allowed it. */
export type Copy = (text: string) => Promise<void>;

interface ClipboardOptions {
	readonly env: NodeJS.ProcessEnv;
	/** Writes to the terminal. */
	readonly write: (bytes: Printable) => void;
}

/**
 * Copies by OSC 52, which also reaches the terminal at the near end of an ssh connection. Under tmux it uses
 * `load-buffer -w`, which sets tmux's buffer and the terminal's clipboard under any settings: by default tmux ignores the
 * sequence of a program (`set-clipboard external`) and drops a wrapped one (`allow-passthrough off`).
 */
export function createClipboard({env, write}: ClipboardOptions): Copy {
	return async text => {
		const safe = pasteable(text);
		if ((env['TMUX'] ?? '') !== '' && (await loadIntoTmux(env, safe))) return;
		const sequence = p`\u001B]52;c;${printable(Buffer.from(safe).toString('base64'))}\u0007`;
		// An older tmux does not know -w; a newer one may let a wrapped sequence through.
		write((env['TMUX'] ?? '') === '' ? sequence : p`${sequence}${throughTmux(sequence)}`);
	};
}

/** Removes control characters other than line breaks and tabs, because the text may be pasted into a shell. */
export function pasteable(text: string): string {
	return text
		.split(/\r\n|\n/u)
		.map(line => line.split('\t').map(printable).join('\t'))
		.join('\n');
}

function loadIntoTmux(env: NodeJS.ProcessEnv, text: string): Promise<boolean> {
	return new Promise(resolve => {
		// Loaded only when needed: before the first frame it would cost 2.5 ms.
		const {spawn} = process.getBuiltinModule('node:child_process');
		const tmux = spawn('tmux', ['load-buffer', '-w', '-'], {env, stdio: ['pipe', 'ignore', 'ignore']});
		tmux.on('error', () => resolve(false));
		tmux.on('close', code => resolve(code === 0));
		// tmux may exit before it has read everything.
		tmux.stdin.on('error', () => {});
		tmux.stdin.end(text);
	});
}
