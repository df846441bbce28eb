import {openCompose} from '../compose/keys.ts';
import type {ComposeContext} from '../model/draft.ts';
import {editLine, pasteLine} from '../editor/line-edit.ts';
import {emptyEditor, type Editor} from '../editor/editor.ts';
import type {Action} from '../settings/actions.ts';
import {replacedNotice} from '../screen/lazy.ts';
import {withView} from '../panes/navigate.ts';
import {tasksPane} from '../model/pane-id.ts';
import type {Surface} from './jump.ts';
import {paletteItems, type PaletteItem} from './palette-items.ts';
import {manual} from './manual.ts';
import {palettePanel} from './palette-panel.ts';
import type {Palette, ProgramCommand} from '../model/palette.ts';
import {withRecent} from '../model/recent.ts';

export interface PaletteSurface extends Surface {
	readonly context: ComposeContext;
	/** Performs an action. */
	readonly act: (action: Action) => void;
	/** Opens the search with a text. */
	readonly search: (text: string) => void;
	/** The commands of the `agentmux` command line, loaded when needed. */
	readonly commands: () => Promise<readonly ProgramCommand[]>;
}

const steps: {readonly [Name in Action]?: number} = {
	panel_previous: -1,
	panel_next: 1,
	panel_page_previous: -10,
	panel_page_next: 10,
};

/** Returns a function that opens the palette. */
export function createPalette(surface: PaletteSurface): () => void {
	const {store, ui} = surface;

	function show(now: Palette): void {
		ui.setState({
			overlay: {
				scope: 'panel',
				draw: drawn => palettePanel(drawn, now),
				key: pressed => key(now, pressed),
				paste: text => edit(now, pasteLine(now.editor, text)),
			},
		});
	}

	function edit(now: Palette, editor: Editor): void {
		show({editor, index: editor.text === now.editor.text ? now.index : 0});
	}

	function run(item: PaletteItem): void {
		ui.setState(({recent}) => ({overlay: null, recent: withRecent(recent, 'commands', item.id)}));
		const {target} = item;
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
				return ui.setState({overlay: manual(ui, target.command.help)});
		}
	}

	function key(now: Palette, pressed: string): void {
		const action = ui.getState().keymap.actionOf('panel', pressed);
		if (action === 'panel_close') return ui.setState({overlay: null});
		const items = paletteItems(store.getState(), ui.getState(), now.editor.text, Date.now());
		const item = items[now.index];
		if (action === 'panel_take') return item === undefined ? undefined : run(item);
		const step = action === undefined ? undefined : steps[action];
		if (step !== undefined) {
			return show({...now, index: Math.max(0, Math.min(items.length - 1, now.index + step))});
		}
		const edited = editLine(now.editor, pressed);
		if (edited !== null) edit(now, edited);
	}

	return () => {
		show({editor: emptyEditor, index: 0});
		if (ui.getState().programCommands.length > 0) return;
		surface.commands().then(
			programCommands => ui.setState({programCommands}),
			() => ui.setState({notice: replacedNotice}),
		);
	};
}
