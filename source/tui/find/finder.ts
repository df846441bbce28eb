import type {Action} from '../settings/actions.ts';
import {createFilters} from './filters.ts';
import {createPalette, type PaletteSurface} from './palette-keys.ts';
import {createSearchBox} from './search-box.ts';

/** The actions that find something. */
type FindAction = Extract<Action, 'search' | 'filter' | 'palette' | 'hit_next' | 'hit_previous'>;

export interface Finder {
	act(action: FindAction): void;
	/** Ends the search, as Esc does among the panes; false if there is none. */
	end(): boolean;
}

/** The search, the panes' filters and the palette. */
export function createFinder(surface: Omit<PaletteSurface, 'search'>): Finder {
	const search = createSearchBox(surface);
	const openFilter = createFilters(surface);
	const openPalette = createPalette({...surface, search: text => search.searchFor(text)});
	return {
		end: () => search.end(),
		act(action) {
			switch (action) {
				case 'search':
					return search.open();
				case 'filter':
					return openFilter();
				case 'palette':
					return openPalette();
				case 'hit_next':
					return search.go(1);
				case 'hit_previous':
					return search.go(-1);
			}
		},
	};
}
