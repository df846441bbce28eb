import {openCompose} from '../compose/keys.ts';
import type {ComposeContext} from '../model/draft.ts';
import {editLine, pasteLine} from '../editor/line-edit.ts';
import {emptyEditor, type Editor} from '../editor/editor.ts';
import type {Action} from '../settings/actions.ts';
import {replacedNotice} from '../screen/lazy.ts';
import {withView} from '../panes/navigate.ts';
import {tasksPane} from '../model/pane-id.ts';
import type {Surface} from './jump.ts';
import {choicesFor, type Choice} from './choices.ts';
import type {Palette, ProgramCommand} from '../model/palette.ts';
import {withRecent} from '../model/recent.ts';

export interface PaletteSurface extends Surface {
	readonly context: ComposeContext;
	/** What a key does. */
	readonly act: (action: Action) => void;
	/** Opens the search with this text. */
	readonly search: (text: string) => void;
	/** The program's commands in a shell, read when somebody asks for them. */
	readonly commands: () => Promise<readonly ProgramCommand[]>;
}

export interface PaletteKeys {
	open(): void;
	key(key: string): void;
	paste(text: string): void;
}

const steps: {readonly [Name in Action]?: number} = {
	panel_previous: -1,
	panel_next: 1,
	panel_page_previous: -10,
	panel_page_next: 10,
};

export function createPalette(surface: PaletteSurface): PaletteKeys {
	const {store, ui} = surface;

	function palette(): Palette | null {
		const {overlay} = ui.getState();
		return overlay?.kind === 'palette' ? overlay : null;
	}

	function edit(now: Palette, editor: Editor): void {
		ui.setState({overlay: {...now, editor, index: editor.text === now.editor.text ? now.index : 0}});
	}

	function choose(choice: Choice): void {
		ui.setState(({recent}) => ({overlay: null, recent: withRecent(recent, 'commands', choice.id)}));
		const {target} = choice;
		switch (target.kind) {
			case 'action':
				return surface.act(target.action);
			case 'pane':
				return surface.focus(target.pane);
			case 'write':
				surface.focus(target.pane);
				return openCompose(surface.context, null);
			case 'task':
				surface.focus(tasksPane);
				ui.setState(withView(ui.getState(), tasksPane, {anchor: null, selected: String(target.id)}));
				return surface.act('open');
			case 'search':
				return surface.search(target.text);
			case 'command':
				return ui.setState({overlay: {kind: 'manual', lines: target.command.help, top: 0}});
		}
	}

	return {
		open() {
			ui.setState({overlay: {kind: 'palette', editor: emptyEditor, index: 0}});
			if (ui.getState().programCommands.length > 0) return;
			surface.commands().then(
				programCommands => ui.setState({programCommands}),
				() => ui.setState({notice: replacedNotice}),
			);
		},
		key(key) {
			const now = palette();
			if (now === null) return;
			const action = ui.getState().keymap.actionOf('panel', key);
			if (action === 'panel_close') return ui.setState({overlay: null});
			const choices = choicesFor(store.getState(), ui.getState(), now.editor.text, Date.now());
			const choice = choices[now.index];
			if (action === 'panel_take') return choice === undefined ? undefined : choose(choice);
			const step = action === undefined ? undefined : steps[action];
			if (step !== undefined) {
				const index = Math.max(0, Math.min(choices.length - 1, now.index + step));
				return ui.setState({overlay: {...now, index}});
			}
			const edited = editLine(now.editor, key);
			if (edited !== null) edit(now, edited);
		},
		paste(text) {
			const now = palette();
			if (now !== null) edit(now, pasteLine(now.editor, text));
		},
	};
}
