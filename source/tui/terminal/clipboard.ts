import {p, printable, type Printable} from '../../printable.ts';
import {throughTmux} from './notification.ts';

/** Takes a text to where the human pastes from. Whether a terminal allows that, it does not say. */
export type Copy = (text: string) => Promise<void>;

interface ClipboardOptions {
	readonly env: NodeJS.ProcessEnv;
	/** Writes to the terminal. */
	readonly write: (bytes: Printable) => void;
}

/**
 * Copies by OSC 52, which also reaches the terminal at the near end of an ssh connection. Under tmux by its own command:
 * by default tmux ignores the sequence of a program (`set-clipboard external`) and drops a wrapped one
 * (`allow-passthrough off`), while `load-buffer -w` fills its buffer and the terminal's clipboard under each setting.
 */
export function createClipboard({env, write}: ClipboardOptions): Copy {
	return async text => {
		const safe = pasteable(text);
		if ((env['TMUX'] ?? '') !== '' && (await loadIntoTmux(env, safe))) return;
		const sequence = p`\u001B]52;c;${printable(Buffer.from(safe).toString('base64'))}\u0007`;
		// An older tmux knows no -w; a newer one may let a wrapped sequence through.
		write((env['TMUX'] ?? '') === '' ? sequence : p`${sequence}${throughTmux(sequence)}`);
	};
}

/** What is pasted may land in a shell: line breaks and tabs are kept, no other control byte is. */
export function pasteable(text: string): string {
	return text
		.split(/\r\n|\n/u)
		.map(line => line.split('\t').map(printable).join('\t'))
		.join('\n');
}

function loadIntoTmux(env: NodeJS.ProcessEnv, text: string): Promise<boolean> {
	return new Promise(resolve => {
		// Loaded when it is called for: before the first frame it would cost 2.5 ms.
		const {spawn} = process.getBuiltinModule('node:child_process');
		const tmux = spawn('tmux', ['load-buffer', '-w', '-'], {env, stdio: ['pipe', 'ignore', 'ignore']});
		tmux.on('error', () => resolve(false));
		tmux.on('close', code => resolve(code === 0));
		// One that has ended does not read to the end.
		tmux.stdin.on('error', () => {});
		tmux.stdin.end(text);
	});
}
