import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
/** The bytes that ask a terminal to show a notification; empty if it cannot. */
export function notificationBytes(text: Printable, env: NodeJS.ProcessEnv): Printable {
	const term = env['TERM'] ?? '';
	// The Linux console would print it, and GNU screen does not pass it on.
	if (term === 'linux' || (env['STY'] ?? '') !== '') return p``;
	const sequence = /^(?:rxvt|foot|contour)/.test(term)
		? p`\u001B]777;notify;agentmux;${printable(text.replaceAll(';', ','))}\u001B\\`
		: p`\u001B]9;${asText(text)}\u001B\\`;
	if ((env['TMUX'] ?? '') === '') return sequence;
	// tmux passes a wrapped sequence on if allow-passthrough is on, and otherwise drops it.
	return throughTmux(sequence);
}

/** ConEmu and Windows Terminal take a text that begins with a number and a semicolon for a command. */
function asText(text: Printable): Printable {
	return /^\d+;/.test(text) ? p` ${text}` : text;
}

/** Wraps a sequence so that tmux passes it on to the terminal. */
export function throughTmux(sequence: Printable): Printable {
	return p`\u001BPtmux;${joinPrintable(sequence.split('\u001B'), escapedEscape)}\u001B\\`;
}

const escapedEscape = p`\u001B\u001B`;
