package tracing

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const failed = codes.Error

// Statements traces what is sent to the database, as a tracer of pgx: batches, and single statements outside of one.
type Statements struct{ Tracer trace.Tracer }

var (
	_ pgx.QueryTracer = Statements{}
	_ pgx.BatchTracer = Statements{}
)

// TraceQueryStart begins the span of a statement.
func (s Statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return s.begin(ctx, summary(data.SQL))
}

// TraceQueryEnd ends the span of a statement.
func (s Statements) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	end(ctx, data.Err)
}

// TraceBatchStart begins the span of statements that are sent together.
func (s Statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	parts := make([]string, len(data.Batch.QueuedQueries))
	for i, query := range data.Batch.QueuedQueries {
		parts[i] = summary(query.SQL)
	}
	return s.begin(ctx, strings.Join(parts, ", "))
}

// TraceBatchQuery does nothing: the batch has one span.
func (s Statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd ends the span of a batch.
func (s Statements) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	end(ctx, data.Err)
}

func (s Statements) begin(ctx context.Context, name string) context.Context {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx // the workers' statements belong to no request, and there are many
	}
	ctx, span := s.Tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("db.system.name", "postgresql")))
	return context.WithValue(ctx, spanKey{}, span)
}

type spanKey struct{}

func end(ctx context.Context, err error) {
	span, ok := ctx.Value(spanKey{}).(trace.Span)
	if !ok {
		return
	}
	if err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) {
			span.SetAttributes(attribute.String("db.response.status_code", pg.Code))
		}
		span.SetStatus(failed, "") // the text may hold values
	}
	span.End()
}

var (
	comment = regexp.MustCompile(`(?m)--.*$`)
	verb    = regexp.MustCompile(`^\s*([A-Za-z]+)`)
	table   = regexp.MustCompile(`(?i)\b(?:FROM|INTO|UPDATE)\s+([a-z_]+)`)
)

// summary names a statement by its verb and first table, those of sub-queries aside: letters alone, so that no value can be in it.
func summary(sql string) string {
	sql = outermost(comment.ReplaceAllString(sql, ""))
	found := verb.FindStringSubmatch(sql)
	if found == nil {
		return "statement"
	}
	name := strings.ToUpper(found[1])
	if first := table.FindStringSubmatch(sql); first != nil {
		name += " " + strings.ToLower(first[1])
	}
	return name
}

// outermost leaves out what stands in parentheses.
func outermost(sql string) string {
	var kept strings.Builder
	depth := 0
	for _, letter := range sql {
		switch letter {
		case '(':
			depth++
		case ')':
			depth--
		default:
			if depth == 0 {
				kept.WriteRune(letter)
			}
		}
	}
	return kept.String()
}
