const conditions = ["source"];
    export default {
      root: "/work/trees/keys/sdk/typescript/.planted-rznavW",
      resolve: { conditions },
      ssr: { resolve: { conditions, externalConditions: conditions } },
      test: { include: ["test/**/*.test.ts"], pool: "forks", bail: 1, testTimeout: 120000, env: { GRADWATCH_CAPTURE: "off", GRADWATCH_SPOOL: "/work/trees/keys/sdk/typescript/.planted-rznavW/spool" } },
    };