package loadbalancer

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
)

// attempt is a request's way to a target by HTTP/1.1.
type attempt struct {
	*exchange
	g    *group
	m    *member
	c    *backConn
	w    *writer // to the target
	held int     // bytes of the body that were sent from the client's buffer and are kept there

	uploading errgroup.Group
	sending   atomic.Bool   // the rest of the body is on its way
	sentAt    atomic.Int64  // when that moved last
	uploaded  chan struct{} // closed when it has stopped
	uploadErr error         // why it stopped; read after uploading.Wait
	sent      time.Time
	response  http1.Response
	answer    lengthBody // of the answer
}

// errClientGone is a client that has reset its connection while it waited.
var errClientGone = errors.New("the client has gone")

// forwardHTTP1 carries the request to m and the answer back; false when m is gone.
func (x *exchange) forwardHTTP1(g *group, m *member) bool {
	a := &x.attempt // what it holds is used again
	a.exchange, a.g, a.m, a.c, a.w = x, g, m, nil, nil
	a.uploaded, a.uploadErr, a.answer = nil, nil, lengthBody{}
	a.sending.Store(false)
	for first := true; ; first = false {
		if err := a.connect(first); err != nil {
			if err == errGone || x.elsewhere(m, err) {
				return false
			}
			x.refuseConnect(err)
			return true
		}
		c := a.c
		a.cuttable(func() { _ = c.Close() })
		err := a.ask()
		if err == nil {
			a.deliver()
			return true
		}
		stale := a.c.used && a.c.in == a.c.heard && a.replayable()
		a.abandon()
		if !first || !stale || !connectionLost(err) {
			if connectionLost(err) && a.replayable() && x.elsewhere(m, err) {
				return false
			}
			a.refuseAsk(err)
			return true
		}
	}
}

// connect takes an idle connection, or makes one.
func (a *attempt) connect(reuse bool) error {
	for reuse && !a.fresh {
		c := a.m.take(a.zone)
		if c == nil {
			break
		}
		if !harmless(a.req.Method) && c.readable() { // could not be sent again
			a.m.close(c)
			continue
		}
		a.c = c
		return nil
	}
	c, err := a.m.dial(a.ctx, a.zone)
	a.c = c
	return err
}

// refuseConnect answers when no connection could be made.
func (x *exchange) refuseConnect(err error) {
	var handshake handshakeError
	if errors.As(err, &handshake) {
		x.record.TargetTLSErrors++
	}
	x.record.TargetConnectErrors++
	if isTimeout(err) {
		x.refuse(504, "")
		return
	}
	x.refuse(502, "")
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

// ask sends the request and reads the head of the answer.
func (a *attempt) ask() error {
	a.sent = time.Now()
	a.record.RequestTime = a.sent.Sub(a.now)
	a.c.heard = a.c.in
	a.w = a.c.begin(a.live.Attributes.IdleTimeout, a.sent)
	a.requestHead(a.w)
	a.held = 0
	if a.body == nil {
		return a.hear(a.w.flush())
	}
	if b, ok := a.body.(*lengthBody); ok && b.left <= int64(len(b.s.Buffered())) && b.last == 0 {
		a.held = int(b.left)
		return a.hear(errors.Join(a.w.write(b.s.Buffered()[:a.held]), a.w.flush()))
	}
	if a.req.Expect && a.req.Minor == 1 && !a.body.ready() {
		if err := a.to.proceed(); err != nil {
			return errClientGone
		}
	}
	a.req.Expect = false
	a.w.chunked = !a.req.HasLength
	a.sending.Store(true)
	a.uploaded = make(chan struct{})
	a.uploading.Go(a.upload)
	return a.hear(nil)
}

// upload carries the body while the answer is awaited.
func (a *attempt) upload() error {
	a.sentAt.Store(time.Now().UnixNano())
	err := a.w.flush()
	if err == nil {
		err = copyBody(a.w, a.body, a.live.Attributes.IdleTimeout)
	} else {
		err = writeError{err}
	}
	a.uploadErr = err
	a.sentAt.Store(time.Now().UnixNano())
	if err != nil && !isWriteError(err) { // the client's fault: the target must not take what it has for all
		_ = a.c.Close()
	}
	a.sending.Store(false)
	close(a.uploaded)
	return nil
}

// hear reads the head of the answer. It looks up every second, at the client and
// at the time-out.
func (a *attempt) hear(err error) error {
	if err != nil && !a.c.readable() { // it may have answered before it closed
		return err
	}
	runtime.Gosched() // others first: the answer may be here by then, and no wait be needed
	now := a.sent
	tick, began := min(time.Second, a.live.Attributes.IdleTimeout), time.Time{}
	for seen := 0; ; now = time.Now() {
		b := a.c.Buffered()
		if n := http1.HeadEnd(b, seen); n > 0 {
			if n > http1.MaxResponseHead {
				return errFull
			}
			err := http1.ParseResponse(string(b[:n]), &a.response)
			a.c.Discard(n)
			if err != nil {
				return err
			}
			if s := a.response.Status; s >= 200 || s == 101 {
				return nil
			}
			seen = 0 // an interim answer is not for the client
			continue
		}
		if len(b) > http1.MaxResponseHead {
			return errFull
		}
		seen = len(b)
		a.c.readWithin(now, tick)
		err := a.c.Fill()
		if err == nil {
			continue
		}
		if !timedOut(err) {
			return err
		}
		if a.to.gone() {
			return errClientGone
		}
		if began.IsZero() {
			began = time.Now().Add(-tick)
		}
		since := max(began.UnixNano(), a.sentAt.Load())
		if !a.sending.Load() && time.Since(time.Unix(0, since)) >= a.live.Attributes.IdleTimeout {
			return err
		}
	}
}

// abandon ends the connection to the target and waits for the upload.
func (a *attempt) abandon() {
	a.m.close(a.c)
	a.stopUpload()
	a.w.close()
}

// stopUpload ends what still reads the client's body: that connection cannot go on.
func (a *attempt) stopUpload() {
	if a.sending.Load() {
		a.closes = true
		a.to.interrupt()
	}
	_ = a.uploading.Wait()
}

// replayable says whether the request can be sent once more: it changes nothing at
// the target, and all of it is still here.
func (a *attempt) replayable() bool {
	return harmless(a.req.Method) && (a.body == nil || a.held > 0)
}

func harmless(method string) bool { return method == "GET" || method == "HEAD" || method == "OPTIONS" }

// connectionLost says whether err is a connection that ended, as one that was idle may at any time.
func connectionLost(err error) bool {
	return !timedOut(err) && !errors.Is(err, errFull) && !errors.Is(err, errClientGone) && !malformed(err)
}

func malformed(err error) bool {
	var opErr *net.OpError
	return !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.As(err, &opErr)
}

// refuseAsk answers when the target did not.
func (a *attempt) refuseAsk(err error) {
	upload := a.uploadErr
	switch {
	case errors.Is(err, errClientGone):
		a.closes = true
		a.record.Status = 460
	case upload != nil && !isWriteError(upload) && timedOut(upload):
		a.closes = true
		a.refuse(408, "")
	case upload != nil && !isWriteError(upload):
		a.closes = true
		a.refuse(400, "")
	case timedOut(err):
		a.refuse(504, "")
	default:
		a.refuse(502, "")
	}
}

// deliver carries the answer to the client and decides what becomes of the connections.
func (a *attempt) deliver() {
	now := time.Now()
	a.record.TargetTime = now.Sub(a.sent)
	a.record.Status, a.record.TargetStatus = a.response.Status, a.response.Status
	if a.held > 0 {
		a.body.(*lengthBody).discard(a.held)
		a.body = nil
	}
	if a.response.Status == 101 {
		a.switchProtocols()
		return
	}
	a.settleUpload()
	if a.sending.Load() || a.uploadErr != nil { // answered before all was asked: whether more is read is open
		a.closes = true
	}
	a.cookies = append(a.cookies, a.server.jar.targetCookies(a.g, a.m, a.response.Fields, a.stuck, a.tls != nil, a.now)...)
	err := a.to.begin(a.exchange, &a.response, false, now)
	a.record.ResponseTime = time.Since(now)
	whole := false
	if err == nil {
		whole, err = a.deliverBody()
	}
	a.settle(whole && err == nil)
	if err != nil {
		a.closes = true
		if isWriteError(err) && a.to.written() == a.writtenBefore {
			a.record.Status = 460
		}
		a.to.abort()
	}
}

// uploadGrace is how long an answer waits for the end of the upload: mostly the
// target has read all, and only the upload does not know yet that it is done.
const uploadGrace = 20 * time.Millisecond

func (a *attempt) settleUpload() {
	if !a.sending.Load() {
		return
	}
	late := time.NewTimer(uploadGrace)
	defer late.Stop()
	select {
	case <-a.uploaded:
	case <-late.C:
	}
}

// deliverBody returns whether the target's connection is at the end of the answer.
func (a *attempt) deliverBody() (bool, error) {
	r, idle := &a.response, a.live.Attributes.IdleTimeout
	switch {
	case r.NoBody(a.req.Method):
		return true, failedWrite(a.to.end(nil))
	case r.Chunked:
		return true, copyBody(a.to, &chunkBody{s: a.c.stream, idle: idle}, idle)
	case r.HasLength:
		a.answer = lengthBody{s: a.c.stream, left: r.Length, idle: idle}
		return true, copyBody(a.to, &a.answer, idle)
	}
	return false, copyBody(a.to, &closeBody{s: a.c.stream, idle: idle}, idle)
}

// settle parks the target's connection, or ends it.
func (a *attempt) settle(whole bool) {
	uploading := a.sending.Load()
	if whole && !uploading && a.response.KeepAlive && !a.fresh {
		_ = a.uploading.Wait()
		a.w.close()
		if a.uploadErr == nil {
			a.body = nil
			a.record.Done = time.Now()
			a.m.park(a.c, a.record.Done, a.live.Attributes.IdleTimeout)
			return
		}
		a.m.close(a.c)
		return
	}
	a.abandon()
	if !uploading && a.uploadErr == nil {
		a.body = nil
	}
}
