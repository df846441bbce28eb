/** The folders of a hub: absolute paths, which may not exist yet. */
export interface HubPaths {
	/** Data that must not be lost: the database, its lock, the keys. */
	readonly data: string;
	/** State that is only valid while it runs. */
	readonly state: string;
	readonly logs: string;
}
