import type {ReadStream, WriteStream} from 'node:tty';
import {bufferedStderr} from './stderr.ts';

// Alternate screen, no wrapping at the last column, hidden cursor, bracketed paste.
const enter = '\u001B[?1049h\u001B[?7l\u001B[?25l\u001B[?2004h';
const leave = '\u001B[?2026l\u001B[m\u001B[?2004l\u001B[?7h\u001B[?25h\u001B[?1049l';

const enterLines = '\u001B[?2004h';
const leaveLines = '\u001B[?2004l\u001B[?25h\r\n';
const steadyCursor = '\u001B[2 q';
const defaultCursor = '\u001B[0 q';

const signals = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const;

/** Modes that can be set while we have the terminal: mouse reports, focus reports, changes of the colour scheme. */
type Mode = 1000 | 1006 | 1004 | 2031;

export interface Terminal {
	/** The mode is reset whenever the terminal is given back, and set again when it is taken. */
	setMode(mode: Mode, on: boolean): void;
	/** What ^Z does: gives the terminal back and stops the whole process group. */
	suspend(): void;
	/** Gives the terminal back as it was. Calling it again does nothing. */
	restore(): void;
	/** Lends it to another program until the returned function is called. ^C and ^\ are then meant for that program. */
	lend(): () => void;
}

interface TerminalOptions {
	/** Called with the signal that asked us to end. */
	readonly onSignal: (signal: NodeJS.Signals) => void;
	/** Called after another program may have used the terminal (SIGCONT). */
	readonly onReturn: () => void;
	/** The cursor does not blink. */
	readonly steady?: boolean;
	/** Output scrolls as in a shell; the alternate screen is not used. */
	readonly lines?: boolean;
}

/** Milliseconds to wait for being stopped. The kernel does not stop us if no shell could continue us. */
const stopDelay = 100;

/**
 * Takes the terminal over, and gives it back however the program ends: normally, by a signal, or by a crash. What others
 * write to stderr meanwhile (warnings of Node and of libraries) is buffered until then, so that it does not appear on the
 * screen.
 */
export function takeTerminal(
	stdin: ReadStream,
	stdout: WriteStream,
	{onSignal, onReturn, steady = false, lines = false}: TerminalOptions,
): Terminal {
	let taken = false;
	let lent = false;
	let ended = false;
	const modes = new Set<Mode>();
	const stderr = bufferedStderr();

	const take = () => {
		taken = true;
		// A shell has changed the terminal's mode, but Node still believes that it is raw.
		if (stdin.isTTY) {
			stdin.setRawMode(false);
			stdin.setRawMode(true);
		}
		const wanted = [...modes].map(mode => `\u001B[?${mode}h`).join('');
		stdout.write(`${lines ? enterLines : enter}${steady ? steadyCursor : ''}${wanted}`);
	};
	const give = () => {
		taken = false;
		const unwanted = [...modes].map(mode => `\u001B[?${mode}l`).join('');
		if (!stdout.destroyed) stdout.write(`${unwanted}${steady ? defaultCursor : ''}${lines ? leaveLines : leave}`);
		if (stdin.isTTY && !stdin.destroyed) setRawModeOff(stdin);
	};
	const suspend = () => {
		// The program that has the terminal was stopped, and we stop with it.
		if (lent) process.kill(process.pid, 'SIGSTOP');
		if (!taken) return;
		give();
		stderr.release();
		process.off('SIGTSTP', suspend);
		// npm, if it is between us and the shell, must stop with us; otherwise the shell waits for it.
		process.kill(0, 'SIGTSTP');
		setTimeout(() => {
			if (!taken) retake();
		}, stopDelay);
	};
	const lend = () => {
		lent = true;
		give();
		return () => {
			lent = false;
			if (!ended) take();
		};
	};
	const retake = () => {
		if (lent) return;
		process.off('SIGTSTP', suspend);
		process.on('SIGTSTP', suspend);
		take();
		stderr.hold();
		// Its size may have changed, and SIGWINCH only went to the program that had it.
		process.kill(process.pid, 'SIGWINCH');
		onReturn();
	};
	const restore = () => {
		ended = true;
		process.off('exit', restore);
		process.off('SIGCONT', retake);
		process.off('SIGTSTP', suspend);
		process.off('uncaughtExceptionMonitor', restore);
		for (const [signal, listener] of listeners) process.off(signal, listener);
		if (taken) give();
		stderr.release();
	};
	const listeners = signals.map(signal => {
		const fromKeyboard = signal === 'SIGINT' || signal === 'SIGQUIT';
		return [signal, () => (lent && fromKeyboard ? undefined : onSignal(signal))] as const;
	});

	process.on('exit', restore);
	process.on('SIGCONT', retake);
	process.on('SIGTSTP', suspend);
	// Called before Node prints the error and exits, so that the error appears on the restored terminal.
	process.on('uncaughtExceptionMonitor', restore);
	for (const [signal, listener] of listeners) process.on(signal, listener);
	take();
	stderr.hold();
	return {
		setMode(mode, on) {
			if (modes.has(mode) === on) return;
			if (on) modes.add(mode);
			else modes.delete(mode);
			if (taken) stdout.write(`\u001B[?${mode}${on ? 'h' : 'l'}`);
		},
		suspend,
		lend,
		restore,
	};
}

/** Fails if the terminal is gone (SIGHUP); then there is nothing to restore. */
function setRawModeOff(stdin: ReadStream): void {
	try {
		stdin.setRawMode(false);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EIO' && (error as NodeJS.ErrnoException).code !== 'EBADF')
			throw error;
	}
}
