import {createContext, useContext, useEffect, useRef, useState} from 'react';
import {useStore} from 'zustand';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {State} from '../../store/state.ts';
import type {Screen} from '../screen/screen.ts';
import type {Ui, UiStore} from '../model/ui.ts';

/** What every component works with. */
export interface Surroundings {
	readonly store: MailboxStore;
	readonly ui: UiStore;
	/** Null where there is no terminal to draw on. */
	readonly screen: Screen | null;
	/** What stands beside the program's name. */
	readonly name: string;
	/** Milliseconds since 1970. */
	readonly now: () => number;
}

const SurroundingsContext = createContext<Surroundings | null>(null);
export const SurroundingsProvider = SurroundingsContext.Provider;

export function useSurroundings(): Surroundings {
	const surroundings = useContext(SurroundingsContext);
	if (surroundings === null) throw new Error('A component of the TUI was rendered outside of its provider.');
	return surroundings;
}

export function useUi<Part>(select: (ui: Ui) => Part): Part {
	return useStore(useSurroundings().ui, select);
}

/** Milliseconds between two looks at the mailbox: what React and Ink draw is dear. */
const pace = 250;

/** A part of the mailbox's state; `select` must give equal strings for what looks the same. */
export function useMailbox(select: (state: State) => string): string {
	const {store} = useSurroundings();
	const [part, setPart] = useState(() => select(store.getState()));
	const latest = useRef(select);
	useEffect(() => {
		latest.current = select;
	}, [select]);
	useEffect(() => {
		let timer: NodeJS.Timeout | undefined;
		const look = () => {
			timer = undefined;
			setPart(latest.current(store.getState()));
		};
		look();
		let {connection, identity} = store.getState();
		const unsubscribe = store.subscribe(state => {
			// Whether it is live is not something to wait for.
			const urgent = state.connection !== connection || state.identity !== identity;
			({connection, identity} = state);
			if (urgent) {
				clearTimeout(timer);
				look();
			} else timer ??= setTimeout(look, pace);
		});
		return () => {
			clearTimeout(timer);
			unsubscribe();
		};
	}, [store]);
	return part;
}
