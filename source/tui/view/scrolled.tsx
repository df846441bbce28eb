import {useEffect} from 'react';
import {p} from '../../printable.ts';
import {useSurroundings, useUi} from './context.ts';
import {Panel} from './panel.tsx';
import type {Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';

interface Props {
	readonly lines: ReadonlyArray<readonly Span[]>;
	/** The first line that is wished for; what lies behind the last page is set right here, where the lines are known. */
	readonly top: number;
}

/** Lines in the middle of the screen, which scroll where there are more than fit. */
export function Scrolled({lines, top}: Props) {
	const {ui} = useSurroundings();
	const height = Math.max(2, useUi(({rows}) => rows) - 4);
	const last = lines.length <= height ? 0 : lines.length - height + 1;
	const overlay = useUi(each => each.overlay);
	const {keyFor} = useUi(each => each.keymap);
	useEffect(() => {
		if (overlay?.kind !== 'help' && overlay?.kind !== 'manual') return;
		if (overlay.top > last) ui.setState({overlay: {...overlay, top: last}});
	}, [ui, overlay, last]);
	if (last === 0) return <Panel lines={lines} tight={lines.length > height - 2} />;
	const from = Math.min(top, last);
	const words = from < last ? p`${keyFor('down')} ↓ more` : p`${keyFor('up')} ↑ back`;
	return <Panel lines={[...lines.slice(from, from + height - 1), [{text: words, style: theme.grey}]]} tight />;
}
