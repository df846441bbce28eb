import path from 'node:path';
import {printable} from '../../printable.ts';
import {appendPrivate, readPrivate, removePrivate, writePrivate} from '../terminal/private-file.ts';
import type {ComposeContext} from '../model/draft.ts';
import {keptText, readKept} from './kept-draft.ts';
import {KeptUnsent} from './kept-unsent.ts';
import {deliver} from './send.ts';
import {withSent} from '../model/sent.ts';

/** Milliseconds after the last key at which the draft is written. */
const pause = 300;
/** Bytes that the file of what was sent may grow by until it is written anew. */
const maxAppended = 4_000_000;

export interface Keeping {
	/** Writes what is not written yet, and no more after that. */
	stop(): void;
}

/**
 * Keeps the compose line in a folder across restarts, whatever ends the program: the draft with its tag and what it answers,
 * what was sent and has no row yet, and the history of what was sent. What is there is taken up at once, but for the
 * history, which is read behind the first frame.
 */
export function keepCompose(context: ComposeContext, folder: string): Keeping {
	const {ui, store} = context;
	const draftFile = path.join(folder, 'draft.json');
	const sentFile = path.join(folder, 'sent.jsonl');
	const keptUnsent = new KeptUnsent(path.join(folder, 'unsent'));
	let written = takeUp(context, draftFile, keptUnsent);
	let sent = ui.getState().compose.sent;
	let appended = 0;
	let timer: NodeJS.Timeout | undefined;
	let stopped = false;

	/** Whoever cannot keep it is told once. */
	let said = false;
	const attempt = (work: () => void): void => {
		try {
			work();
		} catch (error) {
			const {code = 'unknown fault'} = error as NodeJS.ErrnoException;
			if (!said) ui.setState({notice: `The draft cannot be kept in ${printable(folder)} (${code}).`});
			said = true;
		}
	};

	const write = (): void => {
		clearTimeout(timer);
		timer = undefined;
		const text = keptText(ui.getState().compose);
		if (text === written) return;
		written = text;
		attempt(() => {
			if (text === null) removePrivate(draftFile);
			else writePrivate(draftFile, text);
		});
	};
	const writeSoon = (): void => {
		clearTimeout(timer);
		timer = setTimeout(write, pause);
		timer.unref();
	};

	const rewriteSent = (): void => {
		appended = 0;
		writePrivate(sentFile, sent.map(text => `${JSON.stringify(text)}\n`).join(''));
	};
	const keepSent = (): void => {
		const line = JSON.stringify(sent.at(-1) ?? '');
		appended += line.length;
		attempt(() => (appended > maxAppended ? rewriteSent() : appendPrivate(sentFile, line)));
	};
	const readSent = setImmediate(() => {
		const lines =
			readPrivate(sentFile)
				?.split('\n')
				.filter(line => line !== '') ?? [];
		const earlier = lines.flatMap(textIn).reduce<readonly string[]>(withSent, []);
		const all = sent.reduce<readonly string[]>(withSent, earlier);
		sent = all;
		ui.setState(now => ({compose: {...now.compose, sent: all}}));
		if (lines.length > all.length * 2) attempt(rewriteSent);
	});

	const unlisten = ui.subscribe(({compose}, before) => {
		if (compose === before.compose) return;
		if (compose.sent !== sent) {
			({sent} = compose);
			keepSent();
		}
		writeSoon();
	});
	let {pending} = store.getState();
	const keepPending = (): void => attempt(() => keptUnsent.keep(pending));
	keepPending();
	const unsubscribe = store.subscribe(state => {
		if (state.pending === pending) return;
		({pending} = state);
		// What left the line is on its way: from now on it is kept as that.
		keepPending();
		write();
	});
	// A crash, too, ends here.
	process.on('exit', write);

	return {
		stop() {
			if (stopped) return;
			stopped = true;
			clearImmediate(readSent);
			unlisten();
			unsubscribe();
			process.off('exit', write);
			write();
		},
	};
}

/** Puts what the file keeps back where it was; returns the file's text. */
function takeUp(context: ComposeContext, file: string, keptUnsent: KeptUnsent): string | null {
	const text = readPrivate(file);
	const kept = text === null ? null : readKept(text);
	for (const draft of [...(kept?.unsent ?? []), ...keptUnsent.read()]) void deliver(context, draft);
	if (kept === null) return text;
	const {cursor, tag, reply, prefill} = kept;
	const editor = {text: kept.text, cursor};
	context.ui.setState(now => ({compose: {...now.compose, editor, tag, reply, prefill}}));
	return text;
}

function textIn(line: string): string[] {
	try {
		const text: unknown = JSON.parse(line);
		return typeof text === 'string' && text !== '' ? [text] : [];
	} catch {
		return [];
	}
}
