import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
/** The bytes with which a terminal is asked to show a notification; none where it cannot. */
export function notificationBytes(text: Printable, env: NodeJS.ProcessEnv): Printable {
	const term = env['TERM'] ?? '';
	// The console of Linux would print it; GNU screen hands nothing on.
	if (term === 'linux' || (env['STY'] ?? '') !== '') return p``;
	const sequence = /^(?:rxvt|foot|contour)/.test(term)
		? p`\u001B]777;notify;agentmux;${printable(text.replaceAll(';', ','))}\u001B\\`
		: p`\u001B]9;${asText(text)}\u001B\\`;
	if ((env['TMUX'] ?? '') === '') return sequence;
	// tmux hands on what is wrapped so, where allow-passthrough is on, and else drops it.
	return throughTmux(sequence);
}

/** What begins with a number and a semicolon is a command to ConEmu and Windows Terminal. */
function asText(text: Printable): Printable {
	return /^\d+;/.test(text) ? p` ${text}` : text;
}

/** A sequence that tmux is to hand on to the terminal. */
export function throughTmux(sequence: Printable): Printable {
	return p`\u001BPtmux;${joinPrintable(sequence.split('\u001B'), escapedEscape)}\u001B\\`;
}

const escapedEscape = p`\u001B\u001B`;
