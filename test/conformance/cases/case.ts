/** `GET /books?id=eq.1`, alone or with headers and a body. The header `as` names the caller: `service_role` unless it says `anon`, `ann` or `bob`. */
export type Case = string | readonly [line: string, headers: {readonly [name: string]: string}, body?: unknown];

/** Cases by the area that they belong to. */
export type Areas = {readonly [area: string]: readonly Case[]};
