/** The bytes with which a terminal is asked to show a notification: `text` must have passed `printable`. */
export function notificationBytes(text: string, env: NodeJS.ProcessEnv): string {
	const term = env['TERM'] ?? '';
	// The console of Linux would print it; GNU screen hands nothing on.
	if (term === 'linux' || (env['STY'] ?? '') !== '') return '';
	const sequence = /^(?:rxvt|foot|contour)/.test(term)
		? `\u001B]777;notify;agentmux;${text.replaceAll(';', ',')}\u001B\\`
		: `\u001B]9;${asText(text)}\u001B\\`;
	if ((env['TMUX'] ?? '') === '') return sequence;
	// tmux hands on what is wrapped so, where allow-passthrough is on, and else drops it.
	return `\u001BPtmux;${sequence.replaceAll('\u001B', '\u001B\u001B')}\u001B\\`;
}

/** What begins with a number and a semicolon is a command to ConEmu and Windows Terminal. */
function asText(text: string): string {
	return /^\d+;/.test(text) ? ` ${text}` : text;
}
