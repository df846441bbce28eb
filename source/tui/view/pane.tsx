import {useMemo} from 'react';
import type {PaneId} from '../model/pane-id.ts';
import {Painted} from './painted.tsx';
import {pane} from './parts.ts';
import type {Rect} from '../screen/grid.ts';

export function Pane({id, rect}: {readonly id: PaneId; readonly rect: Rect}) {
	const part = useMemo(() => pane(id), [id]);
	return <Painted part={part} rect={rect} />;
}
