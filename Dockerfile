# Builds one program of this repository into an image with nothing else in it:
#
#   docker build --build-arg PROGRAM=cmd/manager --tag cmhf/manager .
#
# PROGRAM is a folder with a main package: cmd/manager, cmd/coordination-api,
# cmd/dashboard or hack/idp. Without Docker, see hack/images.
ARG GO_VERSION=1.26

FROM golang:${GO_VERSION} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG PROGRAM=cmd/manager
ARG VERSION=0.0.0-dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X main.version=${VERSION}" -o /out/program "./${PROGRAM}" \
 && mkdir -m 1777 /out/tmp \
 && printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n' > /out/passwd \
 && printf 'root:x:0:\nnonroot:x:65532:\n' > /out/group

FROM scratch
COPY --from=build /out/passwd /out/group /etc/
COPY --from=build /out/tmp /tmp
COPY --from=build /out/program /program
USER 65532:65532
ENTRYPOINT ["/program"]
