package grpc_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rpc "google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/notifylab/notifylab/notify"
	"github.com/notifylab/notifylab/notify/stream"
	"github.com/notifylab/notifylab/notify/stream/grpc"
)

func TestGate_Authenticate(t *testing.T) {
	check := func(ctx context.Context) error {
		token := metadata.ValueFromIncomingContext(ctx, "authorization")
		if len(token) != 1 || token[0] != "Bearer good" {
			return errors.New("the token is from the wrong issuer")
		}
		return nil
	}
	s := newServer(t, stream.Config{}, grpc.Config{Authenticate: check})
	s.begin("authorization", "Bearer bad").end(codes.Unauthenticated, "not authenticated")
	s.watch("s", "authorization", "Bearer good").read(2)
}

func TestGate_ConnsMax(t *testing.T) {
	s := newServer(t, stream.Config{}, grpc.Config{ConnsMax: 2})
	first, second := s.watch("s"), s.watch("s")
	first.read(2)
	second.read(2)
	assert.Equal(t, 2, s.Conns())
	s.begin().end(codes.Unavailable, "too many connections")

	first.cancel()
	s.ended(stream.ErrLeft)
	s.watch("s").read(2)
}

// TestCodec_LeavesOtherServicesAlone: health checks are protobuf's own messages.
func TestCodec_LeavesOtherServicesAlone(t *testing.T) {
	beside := rpc.NewServer(grpc.Codec())
	healthpb.RegisterHealthServer(beside, health.NewServer())
	client := healthpb.NewHealthClient(dial(t, listen(t, beside)))
	answer, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	assert.Equal(t, healthpb.HealthCheckResponse_SERVING, answer.GetStatus())
}

func TestConfig_EveryMistakeIsReported(t *testing.T) {
	_, err := grpc.New(grpc.Config{ConnsMax: -1})
	assert.ErrorIs(t, err, notify.ErrInvalid)
	for _, field := range []string{"Open", "ConnsMax = -1"} {
		assert.ErrorContains(t, err, field)
	}
	assert.Equal(t, 1, strings.Count(err.Error(), "\n"))
}
