import {createContext, useContext, useEffect, useRef, useState} from 'react';
import {useStore} from 'zustand';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {State} from '../../store/state/state.ts';
import type {Screen} from '../screen/screen.ts';
import type {Ui, UiStore} from '../model/ui.ts';

/** What every component needs. */
export interface Surroundings {
	readonly store: MailboxStore;
	readonly ui: UiStore;
	/** Null without a terminal to draw on. */
	readonly screen: Screen | null;
	/** The mailbox's name, shown after the program's. */
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

/** Milliseconds between updates, because rendering with React and Ink is expensive. */
const pace = 250;

/** A part of the mailbox's state; `select` must return equal strings for what looks the same. */
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
			// Show connection changes at once.
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
