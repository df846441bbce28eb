import {sameTag, type Tag} from '../../mailbox/tag.ts';
import type {State} from '../../store/state.ts';
import {fuzzy} from '../settings/fuzzy.ts';
import type {Compose} from '../model/ui.ts';
import {commands} from './commands.ts';
import {completed, mentioning} from './mention-completion.ts';
import {composeTag, setCompose, setEditor, type ComposeContext} from '../model/draft.ts';
import type {Editor} from '../editor/editor.ts';
import {knownTags} from '../model/tags.ts';

/** Something that what is being typed may become. */
export interface Completion {
	/** As it stands in the list and then in the draft: `@CLAUDE_1`. */
	readonly text: string;
	/** What it does, where its name does not say it. */
	readonly about: string;
	/** Whose colour it has; null: none. */
	readonly tag: Tag | null;
	readonly become: () => Editor;
}

interface Completions {
	readonly list: readonly Completion[];
	/** Enter takes the chosen one too, and does not send. */
	readonly onEnter: boolean;
}

const none: Completions = {list: [], onEnter: false};
const most = 6;

/** What is offered at the cursor, best first; empty when nothing is being typed that could become anything. */
export function completionsFor(state: State, compose: Compose): readonly Completion[] {
	return compose.completion < 0 || compose.search !== null ? [] : completionsAt(state, compose).list;
}

function completionsAt(state: State, compose: Compose): Completions {
	return commandCompletions(compose) ?? tagCompletions(state, compose);
}

/** The commands that a line of one word may become; null where it is none. */
function commandCompletions({editor}: Compose): Completions | null {
	const [, typed] = /^\/([a-z]*)$/i.exec(editor.text) ?? [];
	if (typed === undefined || editor.cursor !== editor.text.length) return null;
	const list = fuzzy(typed, commands, ({name}) => name).map(({name, usage, about}): Completion => ({
		text: `/${name}`,
		about: `${usage}   ${about}`,
		tag: null,
		become: () => ({text: `/${name} `, cursor: name.length + 2}),
	}));
	return {list, onEnter: true};
}

/** The tags that the mention at the cursor may become. */
function tagCompletions(state: State, compose: Compose): Completions {
	const mention = mentioning(compose.editor);
	if (mention === null) return none;
	const me = composeTag(state, compose);
	const tags = fuzzy(
		mention.typed,
		knownTags(state).filter(tag => !sameTag(tag, me)),
		tag => tag,
	).slice(0, most);
	if (tags.length === 1 && tags[0] === mention.typed) return none;
	return {
		list: tags.map(tag => ({
			text: `@${tag}`,
			about: '',
			tag,
			become: () => completed(compose.editor, mention, tag),
		})),
		onEnter: mention.typed !== '' && !tags.some(tag => sameTag(tag, mention.typed)),
	};
}

/** One key while something is offered; false when it is no key for that. */
export function offerKey(context: ComposeContext, key: string): boolean {
	const {compose, keymap} = context.ui.getState();
	if (compose.completion < 0) return false;
	const {list, onEnter} = completionsAt(context.store.getState(), compose);
	const chosen = list[compose.completion];
	if (chosen === undefined) return false;
	const action = keymap.actionOf('panel', key);
	if (action === 'panel_previous' || action === 'panel_next') {
		const step = action === 'panel_previous' ? -1 : 1;
		setCompose(context, {completion: (compose.completion + step + list.length) % list.length});
		return true;
	}
	// The key that sends the message does so where what is written is whole already.
	if (action === 'panel_take' && (onEnter || keymap.actionOf('compose', key) !== 'send')) {
		setEditor(context, chosen.become());
		return true;
	}
	if (action === 'panel_close') {
		setCompose(context, {completion: -1});
		return true;
	}
	return false;
}
