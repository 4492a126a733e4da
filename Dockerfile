# The Gradwatch server as an image: the engine included, no root, nothing written outside of /data and /tmp.
# Build: docker build -t gradwatch .    Run: see deploy/compose.yaml.

FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund && npm run -s build

FROM node:22-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY proto/package.json proto/
COPY sdk/typescript/package.json sdk/typescript/
COPY server/package.json server/
COPY web/package.json web/
COPY test/package.json test/
RUN npm ci --omit=dev --workspace @gradwatch/server --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production GRADWATCH_DATA=/data GRADWATCH_KEYS=/data/keys GRADWATCH_HOST=0.0.0.0
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=packages /app/package.json ./
COPY --from=build /src/proto/package.json proto/
COPY --from=build /src/proto/dist proto/dist
COPY --from=build /src/server/package.json server/
COPY --from=build /src/server/dist server/dist
COPY --from=build /src/server/page server/page
COPY deploy/health.mjs ./
RUN ln -s /app/server/dist/main.js /usr/local/bin/gradwatch && chmod +x server/dist/main.js \
  && mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 7070 7071
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "/app/health.mjs"]
CMD ["gradwatch", "serve"]
