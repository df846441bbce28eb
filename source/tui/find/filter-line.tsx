import {p, printable, type Printable} from '../../printable.ts';
import {useSurroundings, useUi, useMailbox} from '../view/context.ts';
import {layoutOf} from '../model/current-layout.ts';
import {strip} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import type {FilterEdit} from '../model/pane-filter.ts';
import {Cover, InputLine, Tinted} from './panel.tsx';
import {filteredOf, filteredWords} from '../model/filtered.ts';

/** The filter of a pane under edit, in the pane's first row; below it what does not parse. */
export function FilterLine({edit: {pane, editor, faults}}: {readonly edit: FilterEdit}) {
	const {store} = useSurroundings();
	const layout = useUi(layoutOf);
	const filter = useUi(ui => ui.filters.get(pane));
	const words = (): Printable =>
		filter === undefined ? p`` : filteredWords(filteredOf(store.getState(), pane, filter));
	useMailbox(words);
	const placed = layout.panes.find(({id}) => id === pane);
	if (placed === undefined) return null;
	const {x, y, width} = placed.rect;
	const [fault] = faults;
	const said = words();
	return (
		<Cover rect={{x, y, width, height: fault === undefined ? 1 : 2}}>
			<InputLine
				rect={{x, y, width, height: 1}}
				prompt={{text: p` f `, style: theme.strong}}
				placeholder={p`from:TAG is:unread after:2h words`}
				editor={editor}
				faults={faults}
				count={{text: width < 60 ? p`` : said, style: theme.grey}}
			/>
			{fault !== undefined && (
				<Tinted line={{strip: strip([{text: p`   ${printable(fault.message)}`, style: theme.bad}])}} width={width} />
			)}
		</Cover>
	);
}
