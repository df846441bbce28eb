import {useMemo} from 'react';
import type {PaneId} from '../model/pane-id.ts';
import {Painted} from './painted.tsx';
import {pane} from './regions.ts';
import type {Rect} from '../screen/grid.ts';

export function Pane({id, rect}: {readonly id: PaneId; readonly rect: Rect}) {
	const region = useMemo(() => pane(id), [id]);
	return <Painted region={region} rect={rect} />;
}
