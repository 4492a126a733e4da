// What each route and RPC answers to whom, written down by hand and apart from the table that decides, so that a slip in one of
// them shows. Used by test/access, which asks a real server.

export const askers = ["none", "bad", "expired", "revoked", "elsewhere", "ingest", "read", "write", "control", "admin"] as const;
export type Asker = (typeof askers)[number];

/**
 * ok: it is answered. void: answered, but without anything of the project. 401, 403: refused. By asker, in the order above:
 * "elsewhere" has every scope for another project; those named by a scope have that one alone, for the project.
 */
const lines = `
                                                                 none  bad  expired revoked elsewhere ingest read write control admin
GET /healthz                                                     ok    ok   ok      ok      ok        ok     ok   ok    ok      ok
GET /readyz                                                      ok    ok   ok      ok      ok        ok     ok   ok    ok      ok
GET /openapi.json                                                ok    ok   ok      ok      ok        ok     ok   ok    ok      ok
GET *                                                            ok    ok   ok      ok      ok        ok     ok   ok    ok      ok
ALL /api/*                                                       ok    ok   ok      ok      ok        ok     ok   ok    ok      ok
POST /api/v1/session                                             ok    ok   ok      ok      ok        ok     ok   ok    ok      ok
DELETE /api/v1/session                                           ok    ok   ok      ok      ok        ok     ok   ok    ok      ok
GET /api/v1/me                                                   401   401  401     401     ok        ok     ok   ok    ok      ok
GET /api/v1/server                                               401   401  401     401     ok        ok     ok   ok    ok      ok
GET /metrics                                                     401   401  401     401     ok        403    ok   403   403     ok
GET /api/v1/rules                                                401   401  401     401     ok        403    ok   403   403     ok
GET /api/v1/projects                                             401   401  401     401     void      403    ok   403   403     ok
GET /api/v1/runs                                                 401   401  401     401     void      403    ok   403   403     ok
GET /api/v1/runs/facets                                          401   401  401     401     void      403    ok   403   403     ok
GET /api/v1/runs/groups                                          401   401  401     401     void      403    ok   403   403     ok
GET /api/v1/runs/keys                                            401   401  401     401     void      403    ok   403   403     ok
GET /api/v1/projects/:project/runs                               401   401  401     401     403       403    ok   403   403     ok
GET /api/v1/projects/:project/retention                          401   401  401     401     403       403    ok   403   403     ok
PATCH /api/v1/projects/:project/retention                        401   401  401     401     403       403    403  403   ok      ok
GET /api/v1/alerts                                               401   401  401     401     void      403    ok   403   403     ok
GET /api/v1/alerts/:id                                           401   401  401     401     void      403    ok   403   403     ok
GET /api/v1/events                                               401   401  401     401     void      403    ok   403   403     ok
GET /api/v1/storage                                              401   401  401     401     void      403    ok   403   403     ok
POST /api/v1/series                                              401   401  401     401     403       403    ok   403   403     ok
GET /api/v1/projects/:project/runs/:run                          401   401  401     401     403       403    ok   403   403     ok
PATCH /api/v1/projects/:project/runs/:run                        401   401  401     401     403       403    403  ok    403     ok
DELETE /api/v1/projects/:project/runs/:run                       401   401  401     401     403       403    403  ok    403     ok
POST /api/v1/projects/:project/runs/:run/undelete                401   401  401     401     403       403    403  ok    403     ok
GET /api/v1/projects/:project/runs/:run/metrics                  401   401  401     401     403       403    ok   403   403     ok
GET /api/v1/projects/:project/runs/:run/console                  401   401  401     401     403       403    ok   403   403     ok
GET /api/v1/projects/:project/runs/:run/images                   401   401  401     401     403       403    ok   403   403     ok
GET /api/v1/projects/:project/runs/:run/images/data              401   401  401     401     403       403    ok   403   403     ok
GET /api/v1/projects/:project/runs/:run/rules                    401   401  401     401     403       403    ok   403   403     ok
GET /api/v1/projects/:project/runs/:run/tensors                  401   401  401     401     403       403    ok   403   403     ok
GET /api/v1/projects/:project/runs/:run/tensors/matrix           401   401  401     401     403       403    ok   403   403     ok
GET /api/v1/projects/:project/runs/:run/tensors/histograms       401   401  401     401     403       403    ok   403   403     ok
GET /api/v1/projects/:project/runs/:run/tensors/units            401   401  401     401     403       403    ok   403   403     ok
GET /api/v1/projects/:project/runs/:run/classes                  401   401  401     401     403       403    ok   403   403     ok
POST /api/v1/projects/:project/runs/:run/flight-recorder         401   401  401     401     403       403    403  403   ok      ok
POST /api/v1/projects/:project/runs/:run/stop                    401   401  401     401     403       403    403  403   ok      ok
GET /api/v1/keys                                                 401   401  401     401     void      403    403  403   403     ok
POST /api/v1/keys                                                401   401  401     401     403       403    403  403   403     ok
DELETE /api/v1/keys/:id                                          401   401  401     401     void      403    403  403   403     ok
PUT /api/v1/backups/:name                                        401   401  401     401     403       403    403  403   403     403
GET /api/v1/backups/:name                                        401   401  401     401     403       403    403  403   403     403
rpc OpenRun                                                      401   401  401     401     403       ok     403  403   403     ok
rpc Write                                                        401   401  401     401     403       ok     403  403   403     ok
rpc CloseRun                                                     401   401  401     401     403       ok     403  403   403     ok
`;

export type Outcome = "ok" | "void" | "401" | "403";

export const expectedAccess: ReadonlyMap<string, Readonly<Record<Asker, Outcome>>> = new Map(
  lines
    .split("\n")
    .slice(2)
    .filter((line) => line !== "")
    .map((line) => {
      const [action = "", ...cells] = line.split(/ {2,}/);
      return [action, Object.fromEntries(askers.map((asker, i) => [asker, cells[i]])) as Record<Asker, Outcome>];
    }),
);
