import path from 'node:path';
import {printable} from '../../printable.ts';
import {appendPrivate, readPrivate, writePrivate} from '../terminal/private-file.ts';
import {draftsOf, withDraft, type ComposeContext} from '../model/draft.ts';
import {hasDraft} from '../model/ui.ts';
import {keptText, readKept} from './kept-draft.ts';
import {DraftFiles} from './draft-files.ts';
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
 * Saves what is written in a folder, so that it survives however the program ends: drafts with their tag and what they
 * reply to, sent messages that have no row yet, and the history of sent drafts. Restores them at once, except for the
 * history, which is read after the first frame.
 */
export function keepCompose(context: ComposeContext, folder: string): Keeping {
	const {ui, store} = context;
	const draftFiles = new DraftFiles(folder);
	const sentFile = path.join(folder, 'sent.jsonl');
	const keptUnsent = new KeptUnsent(path.join(folder, 'unsent'));
	restore(context, draftFiles.takeOver(), keptUnsent);
	/** Undefined: what the files of other screens held is not in this screen's own yet. */
	let written: string | null | undefined;
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
		const text = keptText(draftsOf(ui.getState()));
		if (text === written) return;
		written = text;
		attempt(() => draftFiles.write(text));
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

	const unlisten = ui.subscribe(({compose, drafts}, before) => {
		if (compose === before.compose && drafts === before.drafts) return;
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

/** Restores what the files contain: the latest draft in the compose line, the others where they were begun. */
function restore(context: ComposeContext, texts: readonly string[], keptUnsent: KeptUnsent): void {
	const kept = texts.flatMap(readKept);
	for (const draft of [...kept.flatMap(({unsent}) => unsent), ...keptUnsent.read()]) void deliver(context, draft);
	// An earlier version saved its unsent messages with an empty draft.
	for (const draft of kept.filter(hasDraft)) context.ui.setState(now => withDraft(now, draft));
}

function textIn(line: string): string[] {
	try {
		const text: unknown = JSON.parse(line);
		return typeof text === 'string' && text !== '' ? [text] : [];
	} catch {
		return [];
	}
}
