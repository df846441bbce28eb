import type {ReadStream, WriteStream} from 'node:tty';

// Alternate screen, no wrapping at the last column, hidden cursor, bracketed paste.
const enter = '\u001B[?1049h\u001B[?7l\u001B[?25l\u001B[?2004h';
const leave = '\u001B[?2026l\u001B[m\u001B[?2004l\u001B[?7h\u001B[?25h\u001B[?1049l';

const signals = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const;

export interface Terminal {
	/** Gives the terminal back as it was. Repeats do nothing. */
	restore(): void;
	/** Gives it to another program, until the returned function is called. What interrupts that program is not for us. */
	lend(): () => void;
}

/**
 * Takes the terminal over, and gives it back whatever ends the program: a normal end, a signal, a crash. What others
 * write to stderr meanwhile (warnings of Node and of libraries) is held back until then: it would stand in the middle of
 * the screen.
 *
 * `onSignal` is told what asked us to end; `onReturn` that somebody else used the terminal in between (SIGCONT).
 */
export function takeTerminal(
	stdin: ReadStream,
	stdout: WriteStream,
	{onSignal, onReturn}: {onSignal: (signal: NodeJS.Signals) => void; onReturn: () => void},
): Terminal {
	let taken = false;
	let lent = false;
	let held = '';
	const writeToStderr = process.stderr.write.bind(process.stderr);

	const take = () => {
		taken = true;
		if (stdin.isTTY) stdin.setRawMode(true);
		stdout.write(enter);
	};
	const give = () => {
		if (!stdout.destroyed) stdout.write(leave);
		if (stdin.isTTY && !stdin.destroyed) setRawModeOff(stdin);
	};
	const restore = () => {
		if (!taken) return;
		taken = false;
		process.stderr.write = writeToStderr;
		process.off('exit', restore);
		process.off('SIGCONT', retake);
		process.off('uncaughtExceptionMonitor', restore);
		for (const [signal, listener] of listeners) process.off(signal, listener);
		give();
		if (held !== '') process.stderr.write(held);
	};
	const lend = () => {
		lent = true;
		give();
		return () => {
			lent = false;
			if (taken) take();
		};
	};
	const retake = () => {
		if (lent) return;
		take();
		onReturn();
	};
	const listeners = signals.map(signal => {
		const fromKeyboard = signal === 'SIGINT' || signal === 'SIGQUIT';
		return [signal, () => (lent && fromKeyboard ? undefined : onSignal(signal))] as const;
	});

	process.on('exit', restore);
	process.on('SIGCONT', retake);
	// Told before Node prints the error and ends: it is then read on the terminal as it was.
	process.on('uncaughtExceptionMonitor', restore);
	for (const [signal, listener] of listeners) process.on(signal, listener);
	process.stderr.write = (chunk: string | Uint8Array) => {
		held += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
		return true;
	};
	take();
	return {restore, lend};
}

/** A terminal that is gone (SIGHUP) refuses; there is nothing to restore then. */
function setRawModeOff(stdin: ReadStream): void {
	try {
		stdin.setRawMode(false);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EIO' && (error as NodeJS.ErrnoException).code !== 'EBADF')
			throw error;
	}
}
