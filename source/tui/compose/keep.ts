import path from 'node:path';
import {printable} from '../../printable.ts';
import {appendPrivate, readPrivate, removePrivate, writePrivate} from '../terminal/private-file.ts';
import type {ComposeContext} from '../model/draft.ts';
import {keptText, readKept} from './kept-draft.ts';
import {KeptUnsent} from './kept-unsent.ts';
import {deliver} from './send.ts';
import {withSent} from '../model/sent.ts';

/** Milliseconds after the last key until the draft is saved. */
const pause = 300;
/** How many bytes are appended to the history's file until it is rewritten. */
const maxAppended = 4_000_000;

export interface Keeping {
	/** Saves pending changes and stops saving. */
	stop(): void;
}

/**
 * Saves the compose line in a folder, so that it survives however the program ends: the draft with its tag and what it
 * replies to, sent messages that have no row yet, and the history of sent drafts. Restores them at once, except for the
 * history, which is read after the first frame.
 */
export function keepCompose(context: ComposeContext, folder: string): Keeping {
	const {ui, store} = context;
	const draftFile = path.join(folder, 'draft.json');
	const sentFile = path.join(folder, 'sent.jsonl');
	const keptUnsent = new KeptUnsent(path.join(folder, 'unsent'));
	let written = restore(context, draftFile, keptUnsent);
	let sent = ui.getState().compose.sent;
	let appended = 0;
	let timer: NodeJS.Timeout | undefined;
	let stopped = false;

	/** A failure is reported once. */
	let reported = false;
	const attempt = (work: () => void): void => {
		try {
			work();
		} catch (error) {
			const {code = 'unknown error'} = error as NodeJS.ErrnoException;
			if (!reported) ui.setState({notice: `Cannot save the draft in ${printable(folder)} (${code}).`});
			reported = true;
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
		// A draft that was sent is now saved as pending.
		keepPending();
		write();
	});
	// Crashes run this, too.
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

/** Restores what the files contain; returns the text of the draft's file. */
function restore(context: ComposeContext, file: string, keptUnsent: KeptUnsent): string | null {
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
