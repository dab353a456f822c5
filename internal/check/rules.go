package check

// rules looks at the plan once everything of it that can be made was made.
func (c *checker) rules() {
	c.tasks()
	c.permissions()
	c.loadBalancers()
	c.swapped()
	c.literals()
	c.buckets()
	c.endpoints()
}
