// Every rule and how it stands in this run. A rule that could not be evaluated says what it lacks: silence is not health.

import type { RuleStatus } from "@gradwatch/server/api-types";
import type { ReactNode } from "react";
import { useRuleStatuses } from "../api/queries.ts";
import { Answer } from "../parts/answer.tsx";
import type { RunRef } from "../routes.ts";

const WORDS: Readonly<Record<RuleStatus["status"], string>> = {
  quiet: "quiet",
  suspect: "suspects something",
  firing: "firing",
  resolved: "fired, is over",
  "not-evaluated": "not evaluated",
};

export function RulesTable({ of: ref }: { readonly of: RunRef }): ReactNode {
  return (
    <section aria-labelledby="rules-title">
      <h2 id="rules-title">Rules</h2>
      <Answer query={useRuleStatuses(ref)} what="the rules">
        {(rules) => (
          <table className="rules" data-testid="rules-table">
            <thead>
              <tr>
                <th scope="col">Rule</th>
                <th scope="col">Status</th>
                <th scope="col">Needs</th>
              </tr>
            </thead>
            <tbody>
              {rules.map(({ rule, title, status, needs }) => (
                <tr key={rule}>
                  <th scope="row">
                    {title} <span className="muted">{rule}</span>
                  </th>
                  <td>
                    <span className={`status-${status}`}>{WORDS[status]}</span>
                  </td>
                  <td className="muted">{needs ?? ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Answer>
    </section>
  );
}
